# style.gp: how all plots of job-plot look. The command sets before it:
# png, width, height, scale, dark, headline, subline, key_columns, key_rows. No
# text is taken as markup, and the colours are told apart by colour-blind people
# too (Okabe and Ito, 2008).

small = sprintf(',%g', (png ? 9 : 10.5) * scale)
ground = dark ? '#15181d' : '#ffffff'
ink = dark ? '#e8e8e8' : '#222222'
faint = dark ? '#3b4048' : '#dcdcdc'
soft = dark ? '#5c6370' : '#bdbdbd'

if (png) set terminal pngcairo noenhanced size width, height \
	font sprintf('DejaVu Sans,%g', 12 * scale) linewidth scale \
	background rgb ground
if (!png) set terminal svg noenhanced size width, height \
	font sprintf('DejaVu Sans,%g', 14 * scale) linewidth scale \
	background rgb ground

if (!dark) {
	array colour[8] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', \
	    '#56b4e9', '#e69f00', '#4d4d4d', '#a6761d']
	array on[8] = [ground, ground, ground, ink, ink, ink, ground, ground]
} else {
	array colour[8] = ['#56b4e9', '#e69f00', '#2fc79a', '#e79ac4', \
	    '#f0e442', '#ff7f50', '#d0d0d0', '#8fa8ff']
	array on[8] = [ground, ground, ground, ground, ground, ground, \
	    ground, ground]
}
do for [i = 1:8] {
	set linetype i linecolor rgb colour[i] linewidth 2 dashtype 1 \
	    pointtype 7 pointsize 0.8
	set linetype i + 8 linecolor rgb colour[i] linewidth 2 dashtype 2 \
	    pointtype 5 pointsize 0.8
	set linetype i + 16 linecolor rgb colour[i] linewidth 2 dashtype 4 \
	    pointtype 9 pointsize 0.8
}
set linetype cycle 24

set encoding utf8
set datafile separator '\t'
set datafile missing ''
set border 3 linecolor rgb ink linewidth 1
set tics nomirror out textcolor rgb ink
set mxtics default
set grid xtics ytics linetype 1 linecolor rgb faint linewidth 0.6
set grid nomxtics nomytics
set xlabel textcolor rgb ink
set ylabel textcolor rgb ink
set lmargin 11
set rmargin 4
set tmargin 4.5
set bmargin 4 + (key_rows > 0 ? 0.8 + 1.15 * key_rows : 0)
set label 1 headline at screen 0.5, graph 1.0 center offset 0, 2.7 \
	textcolor rgb ink font sprintf(',%g', (png ? 15 : 17.5) * scale)
set label 2 subline at screen 0.5, graph 1.0 center offset 0, 1.1 \
	textcolor rgb (dark ? '#a8adb5' : '#666666') \
	font sprintf(',%g', (png ? 10.5 : 12) * scale)
set key below center horizontal reverse Left textcolor rgb ink noenhanced \
	samplen 2 spacing 1.15 width 1 maxcols key_columns
